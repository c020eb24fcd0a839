// Passkeys: asked for, made, and offered in the field of a code.
"use strict";

(() => {
  const { all, errors, say } = mfaPage;

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
  // The object of a password manager may have the browser's own methods, which throw there: what is needed are its fields.
  const read = (part) => {
    try {
      return part();
    } catch {
      return undefined;
    }
  };
  const written = (credential) => {
    const whole = read(() => credential.toJSON && JSON.stringify(credential.toJSON()));
    if (whole) return whole;
    const { response } = credential;
    const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const said = Object.fromEntries(parts.filter((part) => read(() => response[part])).map((part) => [part, text(response[part])]));
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: read(() => credential.authenticatorAttachment),
      clientExtensionResults: read(() => credential.getClientExtensionResults()),
      response: { ...said, transports: read(() => response.getTransports()) },
    });
  };
  const asked = async (button, body = button.dataset.body, signal = undefined) => {
    if (button.dataset.options) return { public_key: JSON.parse(button.dataset.options) };
    const headers = { "X-MFA-Gate": "1", "Content-Type": "application/json", Accept: "application/json" };
    const answer = await fetch(button.dataset.ask, { method: "POST", headers, body, signal, cache: "no-store" });
    return answer.json().catch(() => ({}));
  };
  // Tell the browser which passkeys still count here, so that it offers no other; every failure is silent (U-47). Only a page
  // that was made just now knows: after an older list the browser would drop the passkey that another tab has made since.
  const signals = (told) => {
    for (const [name, what] of Object.entries(told)) {
      const act = window.PublicKeyCredential && PublicKeyCredential[`signal${name}`];
      if (act) act.call(PublicKeyCredential, what).catch(() => {});
    }
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
      const said = new FormData(typed); // with the way back, and with what the person chose
      said.delete("challenge");
      said.set("code", code);
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: `${place.dataset.conditional}#errors`, hidden: true });
      for (const [name, value] of said) form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
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
  // Some web views never answer: after a while the button works again. An answer that comes later still counts, until the
  // next press.
  const PATIENCE = 120000;
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
      const stop = new AbortController();
      letGo = () => stop.abort();
      const late = setTimeout(() => {
        busy = false;
        tell(button.dataset.cancelled);
      }, PATIENCE);
      try {
        const found = await asked(button);
        // The next page says why: a wrong address as the answer to the form, locked, signed out … by itself.
        if (!found.public_key) return found.reason === "csrf" ? button.form.submit() : location.assign(location.pathname);
        const publicKey = readOptions(kind, found.public_key);
        const credential = await navigator.credentials[kind]({ publicKey, signal: stop.signal });
        send(found, credential);
      } catch (error) {
        if (stop.signal.aborted) return; // by the next press, which says the rest
        const { exists, refused, cancelled } = button.dataset;
        tell({ InvalidStateError: exists, SecurityError: refused }[error.name] || cancelled);
      } finally {
        clearTimeout(late);
      }
      busy = false;
    });
    // Where the policy says so, the browser asks at once: on the way in, and neither on the way back nor after a reload.
    const [arrival] = performance.getEntriesByType("navigation");
    if ("atOnce" in button.dataset && !errors && !document.hidden && arrival && arrival.type === "navigate") button.click();
  });
})();
