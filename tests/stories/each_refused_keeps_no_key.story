# A list of which nothing was written has not used its key (G3).
t=10s  enqueue  a b queue=mail each=yes key=k body=x expires_at=9s -> refused expired, a gone, b gone
t=10s  enqueue  c d queue=mail each=yes key=k body=y               -> c ready, d ready
