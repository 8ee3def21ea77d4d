// The socket to the gate, and the watch over it. No word for 900 ms means that nobody is there:
// a screen that can't hear must not look as if it could.

const SILENCE = 900;
const HERE = 10_000;
const GONE = 4404;
const BACK_OFF = [0, 200, 500, 1000, 2000];

export function listen({ heard, lost, gone }) {
  let socket = null;
  let failures = 0;
  let watch = 0;
  let retry = 0;

  function alive() {
    clearTimeout(watch);
    watch = setTimeout(silent, SILENCE);
  }

  function silent() {
    lost();
    drop();
    again();
  }

  function drop() {
    const old = socket;
    socket = null;
    if (old && old.readyState < WebSocket.CLOSING) old.close();
  }

  function again() {
    clearTimeout(retry);
    retry = setTimeout(open, BACK_OFF[Math.min(failures, BACK_OFF.length - 1)]);
    failures += 1;
  }

  function open() {
    drop();
    const made = new WebSocket(`wss://${location.host}/api/live`);
    socket = made;
    // A handshake gets longer than a beat, and less than for ever.
    clearTimeout(watch);
    watch = setTimeout(silent, failures > 1 ? 3000 : SILENCE);
    made.onmessage = (event) => {
      if (made !== socket) return;
      failures = 0;
      alive();
      heard(JSON.parse(event.data));
    };
    made.onclose = (event) => {
      if (made !== socket) return;
      socket = null;
      clearTimeout(watch);
      lost();
      if (event.code === GONE) gone();
      again();
    };
  }

  setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN) socket.send('{"type":"here"}');
  }, HERE);
  open();
}
