# A job whose expires_at is not in the future is refused, and its whole group with it.
t=10s   enqueue  a queue=mail expires_at=10s   -> refused expired, a gone
t=10s   enqueue  b c queue=mail expires_at=9s  -> refused expired, b gone, c gone
t=10s   enqueue  d queue=mail expires_at=10s+1ms -> d ready
