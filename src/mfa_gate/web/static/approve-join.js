// Joining: the phone makes a key that never leaves it, and shows it to the server with the token of the picture.
"use strict";

const mfaJoin = (() => {
  const { base, base64url, call, main, part, show, sign, wear } = mfaPhone;

  // An iPhone clears what a page in the browser keeps, after a week without a visit. A page on the Home Screen has a storage of
  // its own, which stays. So it is installed first; its start address takes the token along, by a cookie for the manifest.
  const installed = navigator.standalone === true || matchMedia("(display-mode: standalone)").matches;
  const inTab = navigator.standalone === false && navigator.maxTouchPoints > 0;
  const carry = (token) => {
    const own = location.protocol === "https:"; // then no other host of the same site can set a cookie of this name
    const [host, where] = own ? ["__Host-", "/; Secure"] : ["", base];
    document.cookie = `${host}mfa-carry=${encodeURIComponent(token)}; Max-Age=${token ? 600 : 0}; SameSite=Strict; Path=${where}`;
  };
  const chosen = () => new Promise((go) => {
    const button = main.querySelector("[data-here]");
    button.hidden = false;
    button.addEventListener("click", go, { once: true });
  });

  // The address that the picture holds has a token behind the #, which browsers send to nobody. It stays there until the
  // key is known to the server; an answer that got lost is asked for again, with the same key. An installed page starts with
  // its old token each time.
  const join = async () => {
    const token = new URLSearchParams(location.hash.slice(1)).get("e");
    if (!token) return true;
    const mine = await mfaDrawer.joining(token);
    if (!mine.device && !("worn" in main.dataset)) {
      carry(token);
      if (wear(token)) return false;
    }
    if (!mine.device && inTab) {
      carry(token);
      show("install");
      await chosen();
    }
    if (!mine.device) {
      show("busy");
      const key = base64url(await crypto.subtle.exportKey("raw", mine.keys.publicKey));
      const joined = await call("join", { token, key, signature: await sign(mine.keys.privateKey, "join", token, key) });
      if (!joined.ok) {
        await mfaDrawer.forget(mine);
        if (installed && (await mfaDrawer.devices()).length) return true; // its start address has an old token
        const why = "known" in main.dataset ? "lost" : "unjoined";
        show(why);
        part(why).focus();
        return false;
      }
      await mfaDrawer.keep({ ...mine, device: joined.device, person: joined.person, service: joined.service });
      carry("");
    }
    history.replaceState(null, "", location.pathname);
    return true;
  };

  return { inTab, join };
})();
