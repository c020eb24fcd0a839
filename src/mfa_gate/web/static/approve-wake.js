// Waking the phone, where the service has a key for it and the person wants it.
// A browser with declarative pushes subscribes without a worker.
"use strict";

const mfaWake = (() => {
  const { base, bytes, call, main, nonce, say, sign } = mfaPhone;

  const pushes = main.dataset.pushKey && ("pushManager" in window || ("serviceWorker" in navigator && "PushManager" in window));
  const wake = async () => {
    const manager = window.pushManager || (await navigator.serviceWorker.ready).pushManager;
    const options = { userVisibleOnly: true, applicationServerKey: bytes(main.dataset.pushKey) };
    const subscription = JSON.stringify(await manager.subscribe(options));
    for (const device of await mfaDrawer.devices()) {
      const fresh = await nonce();
      const signature = await sign(device.keys.privateKey, "wake", device.device, fresh, subscription);
      await call("wake", { device: device.device, nonce: fresh, signature, subscription });
    }
  };
  const offerWaking = async () => {
    if ("serviceWorker" in navigator) await navigator.serviceWorker.register(`${base}/worker.js`, { scope: base });
    if (!pushes || Notification.permission === "denied") return;
    const button = main.querySelector("[data-wake]");
    if (Notification.permission === "granted") return wake();
    button.hidden = false;
    button.addEventListener("click", async () => {
      if ((await Notification.requestPermission()) !== "granted") return;
      await wake();
      button.hidden = true;
      say(main.dataset.woken);
    });
  };

  return { offer: offerWaking };
})();
