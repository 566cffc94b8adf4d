// Only improves pages: each of them works without it. Builds nodes, never HTML from text.
"use strict";

/** Adds a button that copies the text beside it. */
function addCopyButtons() {
  if (!navigator.clipboard) return;
  for (const place of document.querySelectorAll(".copy")) {
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
  for (const form of document.querySelectorAll("form[data-passkey-get]")) {
    const button = form.querySelector("[data-passkey-button]");
    const problem = form.querySelector("[data-passkey-problem]");
    if (!button) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (problem) problem.hidden = true;
      try {
        const answer = await navigator.credentials.get({
          publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(form.dataset.passkeyGet)),
        });
        const { id, response } = answer.toJSON();
        setMember(form, "credential_id", id);
        setMember(form, "client_data", response.clientDataJSON);
        setMember(form, "authenticator_data", response.authenticatorData);
        setMember(form, "signature", response.signature);
        setMember(form, "user_handle", response.userHandle);
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

addCopyButtons();
addPasskeys();
guardForms();
