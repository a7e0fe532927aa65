import type { Candidate } from '../decision/authorize.ts'
import type { Where } from '../decision/decide.ts'
import { publicUri } from '../decision/public-uri.ts'
import type { ProofVerifier } from '../token/dpop/proof-verifier.ts'
import type { Head } from './head.ts'
import type { SenderEvidence } from './judge.ts'
import { isSecure, type Peer, type Peers, publicAuthority } from './peer.ts'

/** What a request shows of its sender: looked at only where its token is bound to one. */
export const senderEvidence = (
  { peers, proofs }: { readonly peers: Peers; readonly proofs: ProofVerifier },
  { peer, head, method }: { readonly peer: Peer; readonly head: Head; readonly method: string },
  candidate: Candidate,
  where: Where,
  now: number,
): SenderEvidence => ({
  certificate: () => peers.certificateOf(peer, head),
  proof: (boundTo) => {
    const asked = { secure: isSecure(peer, head), authority: publicAuthority(peer, head, where.authority) }
    const uri = publicUri(candidate.match.resource.origin, asked, where.path)
    return proofs.prove({ proofs: head.proofs, method, uri }, candidate.credential, boundTo, now)
  },
})
