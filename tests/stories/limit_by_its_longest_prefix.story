# The settings of a key are those of its longest name before a colon, and hold for each key by itself (G21).
t=0   set_limit    stripe concurrency=1  -> ok
t=0   set_limit    stripe:big concurrency=2 -> ok
t=0   enqueue      a b queue=mail limits=stripe:t1 -> a ready
t=0   enqueue      c queue=mail limits=stripe:t2 -> c ready
t=0   enqueue      d e f queue=mail limits=stripe:big:x -> d ready
t=0   enqueue      g h queue=mail limits=stripeline -> g ready
t=0   lease        mail max=9 by w1      -> a leased #1, c leased #1, d leased #1, e leased #1, g leased #1, h leased #1
t=1s  unset_limit  stripe:big            -> ok
t=1s  ack          d #1                  -> d succeeded
t=1s  lease        mail max=9 by w1      -> nothing
t=1s  ack          e #1                  -> e succeeded
t=1s  lease        mail max=9 by w1      -> f leased #1
