# Work that is done is done, whatever was asked.
t=0   enqueue  a queue=mail   -> a ready
t=0   lease    mail by w1     -> a leased #1
t=1s  cancel   a              -> requested, a leased
t=2s  ack      a #1 result=42 -> a succeeded (result 42, asked no, reason none)
t=3s  cancel   a              -> refused final, a succeeded
