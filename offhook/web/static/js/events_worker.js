/** One event stream for all tabs of a browser: it allows six connections to a server, and tabs are many. */

import { Stream } from "./stream.js";

const ports = new Set();
/** The last event of each kind that says how things are now; a new tab gets them at once. */
const present = new Map();

const stream = new Stream((event) => {
  if (event.type === "desk" || event.type === "connection") present.set(event.type, event);
  for (const port of ports) port.postMessage(event);
});

self.onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => (data.isLeaving ? leave(port) : join(port, data.after));
};

function join(port, after) {
  ports.add(port);
  for (const event of present.values()) port.postMessage(event);
  stream.from(after);
}

function leave(port) {
  ports.delete(port);
  if (!ports.size) {
    stream.close();
    present.clear();
  }
}
