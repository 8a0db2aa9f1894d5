// The official client inside a web worker (TS-47).


async function heard({ files, url, transport, protocol, text }) {
  importScripts(`${files}signalr.worker.js`, `${files}signalr-protocol-msgpack.worker.js`);
  const builder = new signalR.HubConnectionBuilder()
    .withUrl(url, signalR.HttpTransportType[transport])
    .configureLogging(signalR.LogLevel.None);
  if (protocol === "messagepack") builder.withHubProtocol(new signalR.protocols.msgpack.MessagePackHubProtocol());
  const connection = builder.build();
  const message = new Promise((resolve) => connection.on("message", resolve));
  await connection.start();
  await connection.invoke("invokeWithString", text);
  const heard = await message;
  await connection.stop();
  return heard;
}

onmessage = ({ data }) => {
  heard(data).then(postMessage, (error) => postMessage(`failed: ${error.message}`));
};
