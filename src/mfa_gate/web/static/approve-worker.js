// Wakes the phone when somebody waits. It keeps nothing and answers nothing: the page does, with the person's own hand.
// A browser that knows declarative pushes shows them itself; all others hand the same text to this worker.
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = (event.data && event.data.json().notification) || {};
  } catch {
    told = {};
  }
  const title = typeof told.title === "string" ? told.title : "";
  const body = typeof told.body === "string" ? told.body : "";
  event.waitUntil(self.registration.showNotification(title, { body, tag: "waiting", renotify: true, requireInteraction: true }));
});

// Only the page itself is opened, whatever the push says.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const open = async () => {
    const pages = await self.clients.matchAll({ type: "window" });
    const page = pages.find((one) => new URL(one.url).pathname === new URL(self.registration.scope).pathname);
    return page ? page.focus() : self.clients.openWindow(self.registration.scope);
  };
  event.waitUntil(open());
});
