"use strict";
const byId = (id) => document.getElementById(id);

function show(element, text, look) {
  element.textContent = text;
  element.className = `state ${look}`;
}

let source = null;
byId("ticks-toggle").addEventListener("click", () => {
  const state = byId("ticks-state");
  if (source) {
    source.close();
    source = null;
    byId("ticks-toggle").textContent = "Connect";
    show(state, "Not connected", "planned");
    return;
  }
  source = new EventSource("/events");
  byId("ticks-toggle").textContent = "Disconnect";
  source.onopen = () => show(state, "Connected", "done");
  source.onmessage = (event) => { byId("tick").textContent = JSON.parse(event.data).at.slice(11, 19); };
  source.onerror = () => show(state, "Interrupted", "open");
});

let socket = null;
byId("echo-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = byId("echo-text");
  const text = field.value;
  field.value = "";
  if (socket && socket.readyState === WebSocket.OPEN) {
    socket.send(text);
    return;
  }
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/ws`);
  socket.onopen = () => { show(byId("echo-state"), "Connected", "done"); socket.send(text); };
  socket.onclose = () => show(byId("echo-state"), "Closed", "open");
  socket.onmessage = (message) => {
    const line = document.createElement("li");
    line.textContent = message.data;
    byId("echo-log").prepend(line);
  };
});
