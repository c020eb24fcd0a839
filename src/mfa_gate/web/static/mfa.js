// What a script adds to pages that work without it: local times, copying, printing, one submit, waiting, the texted code.
// Nothing here decides anything or talks to another site. The tab keeps the wanted page's fragment, and a cookie the time zone.
"use strict";

(() => {
  const all = (selector, act) => document.querySelectorAll(selector).forEach(act);
  const lang = document.documentElement.lang || "en";
  const polite = document.getElementById("live");
  const urgent = document.getElementById("live-now");
  const say = (text, region = polite) => {
    if (region) region.textContent = text;
  };

  // The fragment of the wanted page (#/inbox). Browsers take it along to our first page, but never send it. The tab keeps it
  // on the way through our pages; it goes with our forms, and with the links that lead on. A new arrival begins anew.
  const FRAGMENT = "mfa-fragment";
  const ours = new URL("..", document.currentScript.src).href;
  const brought = location.hash.slice(1);
  let fragment = "";
  try {
    if (brought && brought !== "errors" && !document.getElementById(brought)) sessionStorage.setItem(FRAGMENT, brought);
    else if (!document.referrer.startsWith(ours)) sessionStorage.removeItem(FRAGMENT);
    fragment = sessionStorage.getItem(FRAGMENT) || "";
  } catch {
    // no storage here: the wanted page opens at its beginning
  }
  if (fragment) {
    all("form[method=post]", (form) => {
      if (form.elements.csrf_token) form.addEventListener("formdata", (event) => event.formData.set("fragment", fragment));
    });
    all("a[data-onward]", (link) => {
      if (!link.hash) link.hash = fragment;
    });
  }

  // The time zone, for the times in our mails.
  try {
    const zone = `mfa-zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
    const safe = location.protocol === "https:" ? "; Secure" : "";
    if (!document.cookie.split("; ").includes(zone)) document.cookie = `${zone}; Path=/; SameSite=Lax; Max-Age=31536000${safe}`;
  } catch {
    // no cookies here: mails say UTC
  }

  // Another tab's page load changes the cookie with the way back. Forms send this tab's own note along. A reload and the links
  // have it from the time at which nobody looks at the tab: the address takes it then.
  const note = document.querySelector("input[name=note]");
  const keepWay = () => {
    if (!note || !document.hidden || !location.href.startsWith(ours)) return;
    const own = (href) => (href.startsWith(ours) && href[ours.length] !== "~" ? `${ours}~${note.value}/${href.slice(ours.length)}` : href);
    history.replaceState(history.state, "", own(location.href));
    all("header a[href], main a[href], footer a[href]", (link) => {
      link.href = own(link.href);
    });
  };
  document.addEventListener("visibilitychange", keepWay);
  keepWay();

  // The menu closes as menus do: by Escape, or by a press beside it.
  all("[data-menu]", (menu) => {
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // Times: the page says UTC, the reader's own zone is nicer.
  const styles = {
    clock: { timeStyle: "short" },
    day: { dateStyle: "long" },
    moment: { dateStyle: "medium", timeStyle: "short" },
    whole: { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" },
  };
  const told = (element, style) => new Intl.DateTimeFormat(lang === "en-XA" ? "en" : lang, styles[style]).format(new Date(element.dateTime));
  all("time[data-time]", (element) => {
    element.title = element.textContent;
    element.textContent = told(element, element.dataset.time);
  });
  all("time[data-title]", (element) => {
    element.title = told(element, element.dataset.title);
  });

  // A refused form: start at what was wrong. (Without a script the form's address ends in #errors.)
  const errors = document.getElementById("errors");
  if (errors) errors.focus();

  // One submit: a second press while the first is on its way does nothing. The button stays focusable.
  all("form[data-once]", (form) => {
    form.addEventListener("submit", (event) => {
      if (form.getAttribute("aria-busy") === "true") return event.preventDefault();
      form.setAttribute("aria-busy", "true");
      if (event.submitter) event.submitter.dataset.pressed = "";
      setTimeout(() => form.removeAttribute("aria-busy"), 8000);
    });
  });
  window.addEventListener("pageshow", () => all("form[aria-busy]", (form) => form.removeAttribute("aria-busy")));

  // Nobody can scan the screen that they hold: on a phone the picture is folded below the link to the app.
  if (matchMedia("(pointer: coarse)").matches) all("[data-fold-on-phones]", (picture) => (picture.open = false));

  // Copy and print.
  all("[data-copy]", (button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    const label = button.querySelector("span");
    const before = label.textContent;
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copy);
      const items = [...source.querySelectorAll("li")];
      const text = items.length ? items.map((item) => item.textContent.trim()).join("\n") : source.textContent.replace(/\s+/g, "");
      try {
        await navigator.clipboard.writeText(text);
        label.textContent = button.dataset.done;
        say(button.dataset.done);
        setTimeout(() => (label.textContent = before), 4000);
      } catch {
        say(button.dataset.failed, urgent);
      }
    });
  });
  all("[data-print]", (button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });

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

  // Passkeys: only after a press of the button (U-41), with a challenge that is asked for then, so that a page may stand
  // open for long. Cancelling is no error and sends nothing (U-43).
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const readOptions = (kind, json) => {
    const parse = kind === "get" ? "parseRequestOptionsFromJSON" : "parseCreationOptionsFromJSON";
    if (PublicKeyCredential[parse]) return PublicKeyCredential[parse](json);
    const known = (list) => (list || []).map((item) => ({ ...item, id: bytes(item.id) }));
    const options = { ...json, challenge: bytes(json.challenge) };
    if (kind === "get") return { ...options, allowCredentials: known(json.allowCredentials) };
    return { ...options, user: { ...json.user, id: bytes(json.user.id) }, excludeCredentials: known(json.excludeCredentials) };
  };
  const written = (credential) => {
    try {
      if (credential.toJSON) return JSON.stringify(credential.toJSON());
    } catch {
      // the object of a password manager, whose toJSON is the browser's and throws: its fields are there
    }
    const { response } = credential;
    const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const said = Object.fromEntries(parts.filter((part) => response[part]).map((part) => [part, text(response[part])]));
    if (response.getTransports) said.transports = response.getTransports();
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
      response: said,
    });
  };
  const asked = async (button, body = button.dataset.body, signal = undefined) => {
    if (button.dataset.options) return { public_key: JSON.parse(button.dataset.options) };
    const headers = { "X-MFA-Gate": "1", "Content-Type": "application/json", Accept: "application/json" };
    const answer = await fetch(button.dataset.ask, { method: "POST", headers, body, signal, cache: "no-store" });
    return answer.json().catch(() => ({}));
  };
  // Tell the browser which passkeys still count here, so that it offers no other; every failure is silent (U-47).
  const signals = (told) => {
    for (const [name, what] of Object.entries(told)) {
      const act = window.PublicKeyCredential && PublicKeyCredential[`signal${name}`];
      if (act) act.call(PublicKeyCredential, what).catch(() => {});
    }
  };
  const signal = ({ rpId, allowCredentials }, credential) => {
    const userId = text(credential.response.userHandle || []);
    const allAcceptedCredentialIds = allowCredentials.map((known) => known.id);
    if (!allAcceptedCredentialIds.includes(credential.id)) signals({ UnknownCredential: { rpId, credentialId: credential.id } });
    else if (userId) signals({ AllAcceptedCredentials: { rpId, userId, allAcceptedCredentialIds } });
  };
  all("[data-signal]", (note) => signals(JSON.parse(note.dataset.signal)));
  // What this browser can do, by its own list where it has one, else by an older question.
  const can = async (name, older) => {
    const passkeys = window.PublicKeyCredential;
    if (!passkeys) return false;
    try {
      const list = passkeys.getClientCapabilities ? await passkeys.getClientCapabilities() : {};
      return name in list ? list[name] : Boolean(older && passkeys[older] && (await passkeys[older]()));
    } catch {
      return false;
    }
  };
  // A passkey in place of a code: the browser offers it in the code's field, and asks nothing by itself (U-42). The
  // challenge is renewed before it ends; whatever is pressed goes before it.
  let letGo = () => {};
  all("[data-conditional]", async (place) => {
    const typed = document.getElementById("code").form;
    const answer = (code) => {
      const said = new FormData(typed);
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: `${place.dataset.conditional}#errors`, hidden: true });
      for (const [name, value] of [["csrf_token", said.get("csrf_token")], ["remember", said.get("remember") || ""], ["code", code]]) {
        form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
      }
      document.body.append(form);
      form.submit();
    };
    const wait = async () => {
      const stop = new AbortController();
      letGo = () => stop.abort();
      if (!(await can("conditionalGet", "isConditionalMediationAvailable")) || stop.signal.aborted) return;
      try {
        const found = await asked(place, place.dataset.body, stop.signal);
        if (!found.public_key || stop.signal.aborted) return;
        const renew = setTimeout(() => {
          stop.abort();
          wait();
        }, 240000);
        stop.signal.addEventListener("abort", () => clearTimeout(renew));
        const publicKey = readOptions("get", found.public_key);
        const credential = await navigator.credentials.get({ publicKey, mediation: "conditional", signal: stop.signal });
        clearTimeout(renew);
        signal(found.public_key, credential);
        answer(written(credential));
      } catch {
        // not chosen, or let go for something else
      }
    };
    all("form", (other) => other.addEventListener("submit", () => letGo()));
    window.addEventListener("pagehide", () => letGo());
    wait();
  });
  // A passkey may be offered after a code where this device can make one: the form of the code says so.
  can("userVerifyingPlatformAuthenticator", "isUserVerifyingPlatformAuthenticatorAvailable").then((able) => {
    if (!able) return;
    all("form[method=post]", (form) => {
      if (form.elements.code) form.addEventListener("formdata", (event) => event.formData.set("passkeys", "1"));
    });
  });
  // Some web views never answer: after a while the button works again.
  const patience = () => new Promise((_, give) => setTimeout(() => give(new DOMException("", "TimeoutError")), 120000));
  all("[data-passkey]", (button) => {
    const kind = button.dataset.passkey;
    const note = button.parentElement.querySelector("[data-passkey-says]");
    const tell = (words) => {
      note.textContent = words;
      note.hidden = false;
      say(words);
    };
    if (!window.PublicKeyCredential || !navigator.credentials) return tell(button.dataset.missing);
    button.hidden = false;
    const field = (name) => button.form.querySelector(`input[name=${name}]`);
    const send = (found, credential) => {
      if (found.enrollment) field("enrollment").value = found.enrollment;
      if (found.challenge && field("challenge")) field("challenge").value = found.challenge;
      field("code").value = written(credential);
      button.form.requestSubmit();
    };
    // A password manager may make the passkey by itself, just after it has filled in a password. Where it does not, nothing happens.
    const byItself = async () => {
      const stop = new AbortController();
      letGo = () => stop.abort(); // from the first moment on: a press may come while the browser is still asked what it can
      if (!(await can("conditionalCreate")) || stop.signal.aborted) return;
      const found = await asked(button, button.dataset.unasked, stop.signal);
      const selection = found.public_key && found.public_key.authenticatorSelection;
      if (!selection || selection.userVerification === "required" || stop.signal.aborted) return;
      send(found, await navigator.credentials.create({ publicKey: readOptions("create", found.public_key), mediation: "conditional", signal: stop.signal }));
    };
    if (button.dataset.unasked) byItself().catch(() => {});
    let busy = false;
    button.addEventListener("click", async () => {
      if (busy) return;
      busy = true;
      note.hidden = true;
      letGo();
      try {
        const found = await asked(button);
        // The next page says why: a wrong address as the answer to the form, locked, signed out … by itself.
        if (!found.public_key) return found.reason === "csrf" ? button.form.submit() : location.assign(location.pathname);
        const asking = navigator.credentials[kind]({ publicKey: readOptions(kind, found.public_key) });
        const credential = await Promise.race([asking, patience()]);
        if (kind === "get") signal(found.public_key, credential);
        send(found, credential);
      } catch (error) {
        const { exists, refused, cancelled } = button.dataset;
        tell({ InvalidStateError: exists, SecurityError: refused }[error.name] || cancelled);
      }
      busy = false;
    });
    // Where the policy says so, the browser asks at once: on the way in, and neither on the way back nor after a reload.
    const [arrival] = performance.getEntriesByType("navigation");
    if ("atOnce" in button.dataset && !errors && !document.hidden && arrival && arrival.type === "navigate") button.click();
  });
})();
