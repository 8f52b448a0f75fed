// Times that people type are in their own zone.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const input of document.querySelectorAll("input[data-zone]")) {
  if (zone) input.value = zone;
}
