/** Subprotocol that client and edge agree on [WI1]. */
export const SUBPROTOCOL = 'fovea.v1'
/** The second offered subprotocol carries the ticket; the server never echoes it [WI1]. */
export const TICKET_PREFIX = 'ticket.'
/** Version byte of every binary message [WI3] [WI4]. */
export const BINARY_VERSION = 1
