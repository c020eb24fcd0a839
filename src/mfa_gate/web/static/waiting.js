// Waiting: for a code that is on its way, for its end, for another one, for an answer on the phone.
"use strict";

(() => {
  const { all, polite, say, urgent } = mfaPage;

  // Time left, told at 10, 5 and 1 minutes, 30 seconds, and when it is over; never each second (U-15).
  all("[data-phases]", (line) => {
    const words = JSON.parse(line.dataset.phases);
    const left = Number(line.dataset.expires) - Number(line.dataset.now);
    for (const [seconds, text] of words) {
      const wait = (left - seconds) * 1000;
      if (wait > 0) setTimeout(() => say(text, seconds ? polite : urgent), wait);
      if (wait > 0 && seconds === 0) setTimeout(() => (line.textContent = text), wait);
    }
  });

  // Too soon for another code: count down, and send it then, if this page has a button that sends one (U-17).
  all("[data-wait]", (line) => {
    const form = document.querySelector("form[data-send-later]");
    if (!form) return;
    line.querySelector("[data-wait-then]").hidden = false;
    const until = Date.now() + Number(line.dataset.wait) * 1000;
    const label = form.querySelector("button");
    const before = label.textContent;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      if (left <= 0) return form.requestSubmit(label);
      label.textContent = `${before} (${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")})`;
      setTimeout(tick, 1000);
    };
    tick();
  });

  // The texted code, where the browser offers it (WebOTP); every failure is silent (U-6).
  const texted = document.querySelector("input[data-webotp]");
  if (texted && "OTPCredential" in window) {
    const stop = new AbortController();
    texted.form.addEventListener("submit", () => stop.abort());
    window.addEventListener("pagehide", () => stop.abort());
    navigator.credentials
      .get({ otp: { transport: ["sms"] }, signal: stop.signal })
      .then((found) => {
        if (!found || texted.value) return;
        texted.value = found.code;
        texted.form.requestSubmit();
      })
      .catch(() => {});
  }

  // Waiting for a call or the phone: ask now and then, and send the form once it was answered.
  all("form[data-poll]", (form) => {
    let tries = 0;
    const ask = async () => {
      tries += 1;
      if (tries > 200) return;
      try {
        const answer = await fetch(form.dataset.poll, { headers: { "X-MFA-Gate": "1", Accept: "application/json" }, cache: "no-store" });
        const { status } = answer.ok ? await answer.json() : { status: answer.status === 404 ? "expired" : "pending" };
        if (status !== "pending") {
          say(form.dataset.answered); // a reader hears why the page goes on
          return form.requestSubmit(form.querySelector("button.primary"));
        }
      } catch {
        // offline for a moment: ask again
      }
      setTimeout(ask, document.hidden ? 6000 : 2000);
    };
    setTimeout(ask, 2000);
  });
})();
