// The import page: a file that is dropped anywhere on the box is the file that
// was chosen. The rest is a plain form.
const box = document.getElementById("drop");
const input = document.getElementById("file");
if (box && input) {
  const over = (on) => (e) => { e.preventDefault(); box.classList.toggle("over", on); };
  box.addEventListener("dragover", over(true));
  box.addEventListener("dragleave", over(false));
  box.addEventListener("drop", (e) => {
    over(false)(e);
    if (e.dataTransfer.files.length) input.files = e.dataTransfer.files;
  });
}
