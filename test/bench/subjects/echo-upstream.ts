import { WebSocketServer } from 'ws'

// The upstream of tunnels: every message comes back as it was.
const [port = ''] = process.argv.slice(2)

new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false }).on('connection', (socket) => {
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }))
})
