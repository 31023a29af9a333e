// A Firestore emulator on a free port: it says the port on a line of its own, and ends with its standard input.
const net = require("node:net");
const { FirestoreServer } = require("@firestore-emulator/server");

const probe = net.createServer();
probe.listen(0, "127.0.0.1", () => {
  const { port } = probe.address();
  probe.close(async () => {
    await new FirestoreServer().start(port);
    console.log(port);
  });
});
process.stdin.on("end", () => process.exit(0)).resume();
