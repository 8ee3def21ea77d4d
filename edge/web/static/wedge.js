// Readers that type. What comes in a burst is a code, wherever the focus is; Enter or a pause
// ends it. Typing in a real field is left alone. The text goes on as it was typed: the gate
// undoes keyboard layouts.

const PAUSE = 60;
const LONG_PAUSE = 400; // for a reader that is known to send Enter: it may stumble on the way
const LEAST = 4; // shorter bursts are a person at the keyboard
const MOST = 4096;
const FIELDS = "input, textarea, select, [contenteditable]";

export function collect({ code, key }) {
  let text = "";
  let timer = 0;
  let held = "";
  let pause = PAUSE;

  function end() {
    clearTimeout(timer);
    const done = text;
    text = "";
    if (done.length >= LEAST) code(done);
    else for (const each of done) key(each);
  }

  function swallow(event) {
    event.preventDefault();
    event.stopPropagation();
  }

  addEventListener("keydown", (event) => {
    if (event.isComposing || event.target.closest?.(FIELDS)) return;
    const shortcut = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
    if (shortcut) return;
    if (event.key === "Enter" || event.key === "Tab") {
      if (!text) return event.key === "Enter" && key("Enter");
      const ends = text.length >= LEAST;
      if (ends) {
        pause = LONG_PAUSE;
        held = event.key;
        swallow(event);
      }
      return end();
    }
    if (event.key === "Backspace") return key("Backspace");
    if (event.key.length !== 1 || event.repeat) return;
    if (event.key === " " && !text) return; // a button is pressed
    held = event.key;
    swallow(event);
    text = (text + event.key).slice(0, MOST);
    clearTimeout(timer);
    timer = setTimeout(end, pause);
  }, true);

  // Buttons are pressed by the release of a key.
  addEventListener("keyup", (event) => {
    if (held && event.key === held && !event.target.closest?.(FIELDS)) {
      held = "";
      swallow(event);
    }
  }, true);
}
