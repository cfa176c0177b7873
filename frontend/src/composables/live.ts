import { streamUrl } from '@/api/client'
import { createLiveStream } from '@/lib/liveStream'

/** Listens to a topic on the one connection that all pages share; returns what ends it. */
export const listenLive = createLiveStream(streamUrl('/events'))
