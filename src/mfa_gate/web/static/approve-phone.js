// What all parts of the page on the phone need: its parts and words, the signature of its owner, the calls to the server.
"use strict";

const mfaPhone = (() => {
  const main = document.getElementById("approve");
  const base = main.dataset.base;
  const host = main.dataset.host;
  const lang = document.documentElement.lang || "en";
  const part = (name) => main.querySelector(`[data-part="${name}"]`);
  const parts = [...main.querySelectorAll("[data-part]")];
  const head = main.parentElement.querySelector(".head");
  const show = (...names) => {
    head.classList.toggle("vh", names.includes("requests")); // the question is the heading then
    parts.forEach((one) => (one.hidden = !names.includes(one.dataset.part)));
  };
  const say = (text, urgent) => {
    const region = document.getElementById(urgent ? "live-now" : "live");
    if (region) region.textContent = text;
  };

  // Bytes and texts.
  const encode = (text) => new TextEncoder().encode(text);
  const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const sign = async (key, ...words) =>
    base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, encode(["mfa-gate 1", host, ...words].join("\n"))));

  const call = async (name, body) => {
    const answer = await fetch(`${base}/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-MFA-Gate": "1", Accept: "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
    });
    return { ok: answer.ok, ...(await answer.json()) };
  };

  const told = (element, at) => {
    element.dateTime = at;
    element.textContent = new Intl.DateTimeFormat(lang === "en-XA" ? "en" : lang, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
  };

  // A short fact is read as one piece: "Firefox on Windows" stays on one line.
  const named = (element, text) => {
    element.textContent = text;
    element.classList.toggle("whole", text.length < 28);
    return element;
  };

  // The page in the brand of the organization that asks: loaded once more, it has it.
  const wear = (whose) => {
    try {
      if (sessionStorage.getItem("mfa-worn") === whose) return false; // cookies are off: it stays as it is
      sessionStorage.setItem("mfa-worn", whose);
    } catch {
      return false;
    }
    location.reload();
    return true;
  };

  // A nonce is signed with every question, so that an overheard one is worth nothing soon.
  const nonce = async () => (await call("nonce", {})).nonce || "";

  return { base, base64url, bytes, call, main, named, nonce, part, say, show, sign, told, wear };
})();
