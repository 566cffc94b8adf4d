// Only improves pages: each of them works without it. Builds nodes, never HTML from text.
"use strict";

/** Adds a button that copies the text beside it. */
function addCopyButtons() {
  if (!navigator.clipboard) return;
  for (const place of document.querySelectorAll(".copy:not(:has(button))")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    const text = place.querySelector("code").textContent;
    button.setAttribute("aria-label", `Copy ${text.length > 80 ? "the text" : text}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    place.append(button);
  }
}

/** Filters the choices of a long list as the person types. */
function addChoiceFilters() {
  for (const list of document.querySelectorAll(".choices")) {
    const labels = [...list.querySelectorAll("label")];
    if (labels.length < 8) continue;
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = "Filter";
    input.setAttribute("aria-label", "Filter the choices");
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      for (const label of labels) {
        const box = label.querySelector("input");
        label.hidden = !(box && box.checked) && !label.textContent.toLowerCase().includes(wanted);
      }
    });
    list.before(input);
  }
}

/** Writes a value into a form, as a hidden member. */
function setMember(form, name, value) {
  const input = document.createElement("input");
  input.type = "hidden";
  input.name = name;
  input.value = value || "";
  form.append(input);
}

/** Asks a passkey, writes its answer into the form and sends the form. */
function addPasskeys() {
  if (!window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) return;
  for (const form of document.querySelectorAll("form[data-passkey-get], form[data-passkey-create]")) {
    const button = form.querySelector("[data-passkey-button]");
    const problem = form.querySelector("[data-passkey-problem]");
    if (!button) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (problem) problem.hidden = true;
      try {
        const isNew = form.hasAttribute("data-passkey-create");
        if (isNew && !form.reportValidity()) return;
        const answer = isNew
          ? await navigator.credentials.create({
              publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(form.dataset.passkeyCreate)),
            })
          : await navigator.credentials.get({
              publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(form.dataset.passkeyGet)),
            });
        const { id, response } = answer.toJSON();
        setMember(form, "credential_id", id);
        setMember(form, "client_data", response.clientDataJSON);
        if (isNew) {
          setMember(form, "attestation_object", response.attestationObject);
        } else {
          setMember(form, "authenticator_data", response.authenticatorData);
          setMember(form, "signature", response.signature);
          setMember(form, "user_handle", response.userHandle);
        }
        form.submit();
      } catch (error) {
        if (problem) {
          problem.textContent = `The passkey was not used: ${error.message}`;
          problem.hidden = false;
        }
      }
    });
  }
}

/** Fills the choices of a field while the person types: what exists, and what is known of services. */
function addSuggestions() {
  for (const input of document.querySelectorAll("input[data-suggest]")) {
    let timer;
    let asked = 0;
    const ask = async () => {
      const mine = ++asked;
      const action = input.form.elements.namedItem("action");
      const members = { field: input.dataset.suggest, text: input.value, action: action ? action.value : "" };
      try {
        const answer = await fetch(`/console/suggest?${new URLSearchParams(members)}`);
        const { values } = await answer.json();
        if (mine !== asked || !input.list) return;
        input.list.replaceChildren(...values.map(({ value, label }) => {
          const option = document.createElement("option");
          option.value = value;
          if (label) option.label = label;
          return option;
        }));
      } catch {
        // The session has ended, or the server is away: the next page says so.
      }
    };
    input.addEventListener("focus", ask);
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 200);
    });
  }
}

/** Sends a form once, although its button is pressed twice. */
function guardForms() {
  for (const form of document.querySelectorAll("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "1";
    });
  }
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
}

/** Makes an element with a text. */
function make(name, text, className) {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** Shows findings, and the document with marks at their lines, as the server does. */
function showFindings(place, text, { findings, refused }) {
  place.replaceChildren();
  if (refused) {
    place.append(make("p", `The document was not checked: ${refused}`, "problem"));
    return;
  }
  if (!findings.length) {
    const line = document.createElement("p");
    line.append(make("span", "No finding", "badge good"));
    place.append(line);
    return;
  }
  const list = document.createElement("ul");
  const labels = new Map();
  for (const { kind, label, line, message, code } of findings) {
    const item = document.createElement("li");
    item.append(make("span", label, `badge ${kind}`), ` ${line ? `Line ${line}: ` : ""}${message} `, make("code", code));
    list.append(item);
    if (line) labels.set(line, (labels.get(line) || new Set()).add(label));
  }
  place.append(list);
  if (!labels.size) return;
  const source = make("pre", "", "source");
  source.tabIndex = 0;
  source.setAttribute("aria-label", "The document with its findings");
  text.split("\n").forEach((words, index) => {
    const own = labels.get(index + 1);
    const line = make("span", "", own ? "line marked" : "line");
    line.append(make("span", String(index + 1), "line-number"), ` ${words}`);
    if (own) line.append(" ", make("strong", `← ${[...own].join(", ")}`));
    line.append("\n");
    source.append(line);
  });
  place.append(source);
}

/** Checks the document of an editor while the person types. */
function addLiveChecks() {
  for (const form of document.querySelectorAll("form[data-policy-type]")) {
    const area = form.querySelector("textarea[name=document]");
    const place = form.querySelector("[data-findings]");
    let timer;
    let asked = 0;
    const check = async () => {
      const mine = ++asked;
      const text = area.value;
      if (!text.trim()) {
        place.replaceChildren();
        return;
      }
      const body = new URLSearchParams({
        form_token: form.querySelector("[name=form_token]").value,
        type: form.dataset.policyType,
        document: text,
      });
      try {
        const answer = await fetch("/console/policies/check", { method: "POST", body });
        const found = await answer.json();
        if (mine === asked) showFindings(place, text, found);
      } catch {
        // The session has ended, or the server is away: the next page says so.
        if (mine === asked) place.replaceChildren();
      }
    };
    area.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(check, 500);
    });
  }
}

/**
 * Loads a page of the console without showing it, and puts its parts that are marked `data-live` in the place of those of
 * this page. The browser parses it as a document whose scripts do not run. A request that is not answered yet is aborted.
 */
let loading;
function loadParts(address, done) {
  if (loading) loading.abort();
  const request = loading = new XMLHttpRequest();
  request.open("GET", address);
  request.responseType = "document";
  request.addEventListener("load", () => {
    const page = request.response;
    // Another page, such as that of the sign-in, is shown as a whole.
    if (!page || !page.querySelector("[data-live]")) {
      location.assign(address);
      return;
    }
    for (const part of document.querySelectorAll("[data-live]")) {
      const loaded = page.querySelector(`[data-live="${part.dataset.live}"]`);
      part.replaceChildren(...(loaded ? loaded.childNodes : []));
    }
    addCopyButtons();
    if (done) done();
    goOn();
  });
  request.send();
}

/** How many rows the live tail keeps, and the milliseconds between its questions: after an answer, and after a failure. */
const TAIL = { rows: 300, after: 1000, failed: 10000 };

/** Follows the audit trail: asks what came since, until the page is left, the person pauses, or the server refuses. */
function addLiveTail() {
  const place = document.querySelector("[data-tail]");
  if (!place) return;
  const say = (text) => { document.querySelector("[data-tail-status]").textContent = text; };
  const button = document.querySelector("[data-tail-pause]");
  let request;
  let timer;
  const isPaused = () => button.getAttribute("aria-pressed") === "true";
  const add = (part) => {
    // An event that came while the page was made is in both.
    const known = new Set([...place.querySelectorAll("tbody a")].map((link) => link.href));
    const rows = [...part.querySelectorAll("tbody tr")].filter((row) => !known.has(row.querySelector("a").href));
    const body = place.querySelector("tbody");
    if (body) body.prepend(...rows);
    else if (rows.length) place.replaceChildren(...part.childNodes);
    for (const old of [...place.querySelectorAll("tbody tr")].slice(TAIL.rows)) old.remove();
    place.dataset.tail = part.dataset.tail;
    addCopyButtons();
  };
  const ask = () => {
    if (isPaused() || document.hidden) return;
    say("Live");
    request = new XMLHttpRequest();
    request.open("GET", place.dataset.tail);
    request.responseType = "document";
    request.addEventListener("load", () => {
      const page = request.response;
      const part = page && page.querySelector("[data-tail]");
      if (part) {
        add(part);
        timer = setTimeout(ask, TAIL.after);
        return;
      }
      const problem = page && page.querySelector(".problem");
      if (problem) place.prepend(problem);
      say("Ended. Load this page again to go on.");
      button.hidden = true;
    });
    request.addEventListener("error", () => {
      say("The server does not answer. It is asked again.");
      timer = setTimeout(ask, TAIL.failed);
    });
    request.send();
  };
  const stop = () => {
    clearTimeout(timer);
    if (request) request.abort();
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!isPaused()));
    stop();
    say("Paused");
    ask();
  });
  document.addEventListener("visibilitychange", () => {
    stop();
    ask();
  });
  ask();
}

/** Lets the server read the rest of a long list, which it reads in parts. */
function goOn() {
  const link = document.querySelector("a[data-go-on]");
  if (link) loadParts(link.href);
}

/** Searches a list while the person types. */
function addLiveSearches() {
  for (const form of document.querySelectorAll("form[data-search]")) {
    const input = form.querySelector("input[type=search]");
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const members = [...new FormData(form)].filter(([, value]) => value);
        const address = `${location.pathname}?${new URLSearchParams(members)}`;
        loadParts(address, () => history.replaceState(null, "", address));
      }, 250);
    });
  }
}

addCopyButtons();
addLiveSearches();
addSuggestions();
addLiveTail();
goOn();
addLiveChecks();
addChoiceFilters();
addPasskeys();
guardForms();
