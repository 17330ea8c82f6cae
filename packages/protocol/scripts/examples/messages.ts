import { fromBackendExamples, fromPoolMemberExamples, toBackendExamples, toPoolMemberExamples } from './backend.ts'
import { clientExamples } from './client.ts'
import { edgeExamples } from './edge.ts'
import { eventExamples } from './event.ts'
import { absent, box, mask, moment } from './scene.ts'

/** Family (a file of schemas/) → examples of it. */
export const messageExamples = {
  'client-message': clientExamples,
  'edge-message': edgeExamples,
  event: eventExamples,
  evidence: [box, absent, mask, moment],
  'to-backend': toBackendExamples,
  'from-backend': fromBackendExamples,
  'to-pool-member': toPoolMemberExamples,
  'from-pool-member': fromPoolMemberExamples,
}
