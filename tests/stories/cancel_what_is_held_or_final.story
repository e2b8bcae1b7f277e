# A job that is held is asked to end; one that has ended stays as it is (G12).
t=0   enqueue  a b queue=mail   -> a ready
t=0   lease    mail max=2 by w1 -> a leased #1, b leased #1
t=1s  cancel   a                -> requested, a leased (reason none, asked yes)
t=2s  ack      a #1             -> a succeeded (asked no)
t=3s  cancel   a                -> refused final, a succeeded (reason none)
t=3s  nack     b #1 retry=never -> b dead
t=3s  cancel   b                -> refused final, b dead (reason not_retryable)
t=3s  cancel   nobody           -> refused not_found
