// Files that are dropped anywhere on the page are diagnosed at once.
const field = document.getElementById("files");
const area = field?.closest(".drop");
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

if (area) {
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    area.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) area.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    area.classList.remove("over");
    field.files = event.dataTransfer.files;
    if (field.files.length > 0) field.form.requestSubmit();
  });
}
