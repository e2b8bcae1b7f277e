# Only a dead job has another run to give.
t=0  enqueue  a b queue=mail -> a ready
t=0  redrive  a              -> refused not_dead, a ready
t=0  lease    mail by w1     -> a leased #1
t=0  redrive  a              -> refused not_dead, a leased
t=0  ack      a #1           -> a succeeded
t=0  redrive  a              -> refused not_dead, a succeeded
t=0  cancel   b              -> b cancelled
t=0  redrive  b              -> refused not_dead, b cancelled
t=0  redrive  nobody         -> refused not_found
