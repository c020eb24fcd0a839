// One request as a form: what is asked, the number, the yes, and apart from it the noes.
"use strict";

const mfaCard = (() => {
  const { call, main, named, sign, told } = mfaPhone;

  // ``ended`` is called with the request's id, how it ended, and the facts of an answer that was taken.
  const card = (device, found, request, ended) => {
    const made = document.createElement("form");
    made.autocomplete = "off";
    made.noValidate = true;
    made.append(document.getElementById("request").content.firstElementChild.cloneNode(true));
    for (const button of made.querySelectorAll("button")) button.hidden = false;
    made.querySelector("[data-approve]").type = "submit";
    const field = (name) => made.querySelector(`[data-field="${name}"]`);
    const id = `n-${request.id}`;
    const asking = main.dataset.asking.replace("{service}", found.service);
    made.querySelector("h2").textContent = request.purpose === "enroll" ? main.dataset.trying : asking;
    if (request.purpose === "enroll") made.querySelector("[data-approve]").textContent = main.dataset.confirm;
    made.querySelector('[data-verb="cancel"]').hidden = request.purpose === "enroll";
    named(field("person"), found.person);
    named(field("where"), request.where || main.dataset.unknown);
    named(field("agent"), request.agent || main.dataset.unknown);
    told(field("at"), request.at);
    const input = made.querySelector("input");
    const wrong = made.querySelector(".field-error");
    input.id = id;
    wrong.id = `${id}-error`;
    made.querySelector("label").htmlFor = id;
    const complain = (text) => {
      wrong.hidden = !text;
      wrong.querySelector("span").textContent = text;
      if (text) input.setAttribute("aria-invalid", "true");
      if (text) input.setAttribute("aria-describedby", wrong.id);
      if (text) input.focus();
    };
    const answer = async (verb) => {
      if (made.getAttribute("aria-busy") === "true") return;
      const number = verb === "approve" ? input.value.trim() : "";
      if (verb === "approve" && !number) return complain(main.dataset.missing);
      made.setAttribute("aria-busy", "true");
      try {
        const result = await call("answer", {
          device: device.device,
          request: request.id,
          verb,
          number,
          signature: await sign(device.keys.privateKey, verb, request.id, number, found.subject, request.expires),
        });
        if (result.ok) return ended(request.id, { deny: "denied", cancel: "canceled" }[verb] || (request.purpose === "enroll" ? "tried" : "approved"), { ...request, service: found.service });
        if (result.reason === "wrong_code" || result.reason === "malformed") {
          input.value = "";
          if (!(result.attempts_remaining === 0)) return complain(main.dataset.wrong);
        }
        return ended(request.id, result.reason === "locked" || result.attempts_remaining === 0 ? "locked" : "ended");
      } catch {
        complain(main.dataset.offline);
      } finally {
        made.removeAttribute("aria-busy");
      }
    };
    made.addEventListener("submit", (event) => {
      event.preventDefault();
      answer("approve");
    });
    for (const button of made.querySelectorAll("[data-verb]")) button.addEventListener("click", () => answer(button.dataset.verb));
    return made;
  };

  return { card };
})();
