// Firebase's Auth emulator on a free port, without the rest of firebase-tools: it says the port on a line of its own, and
// ends with its standard input. Its argument is the project.
const { createApp } = require("firebase-tools/lib/emulator/auth/server");

createApp(process.argv[2], 0).then((app) => {
  const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
});
process.stdin.on("end", () => process.exit(0)).resume();
