// Copy buttons beside commands: shown only where the browser lets scripts copy.
if (navigator.clipboard) {
  const show = () => {
    for (const button of document.querySelectorAll("button.copy[hidden]")) button.hidden = false;
  };
  show();
  document.addEventListener("htmx:afterSettle", show);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}
