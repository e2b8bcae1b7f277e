# Whoever reads events learns of each change of state, in its order; an extend or a request is none.
t=0   events                         -> nothing
t=0   enqueue  a queue=mail          -> a ready
t=0   enqueue  b queue=mail delay=5s -> b scheduled
t=1s  lease    mail by w1            -> a leased #1
t=2s  extend   a #1 progress=1       -> a leased
t=2s  cancel   a                     -> requested, a leased
t=2s  events                         -> a ready, b scheduled, a leased
t=3s  nack     a #1                  -> a cancelled
t=5s  tick                           -> b ready
t=6s  patch    b priority=7          -> b ready
t=6s  operate  purge queue=mail      -> ok
t=6s  tick                           -> b gone
t=7s  delete   a                     -> a gone
t=7s  events                         -> a cancelled, b ready, b gone, a gone
t=7s  events                         -> nothing
