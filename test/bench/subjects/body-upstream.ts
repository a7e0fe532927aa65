import { createServer, type ServerResponse } from 'node:http'

// The upstream of long bodies: a GET is answered with so many octets, what is posted is read to its end and forgotten.
const [port = '', size = ''] = process.argv.slice(2)

const piece = Buffer.alloc(256 * 1024, 'x')

const send = (response: ServerResponse, left: number): void => {
  if (left === 0) {
    response.end()
    return
  }
  const octets = left < piece.length ? piece.subarray(0, left) : piece
  const next = (): void => send(response, left - octets.length)
  if (response.write(octets)) setImmediate(next)
  else response.once('drain', next)
}

createServer({ noDelay: true }, (request, response) => {
  if (request.method === 'POST') {
    request.resume().once('end', () => response.setHeader('Content-Length', 2).end('ok'))
    return
  }
  response.setHeader('Content-Length', Number(size))
  send(response, Number(size))
}).listen(Number(port), '127.0.0.1')
