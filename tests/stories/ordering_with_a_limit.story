# The first job of an ordering key blocks the next ones also when a limit holds it back.
t=0    back_off  api for=10s                     -> ok
t=0    enqueue   a queue=mail order=u limits=api -> a ready
t=0    enqueue   b queue=mail order=u            -> b ready
t=0    lease     mail max=9 by w1                -> nothing
t=10s  lease     mail max=9 by w1                -> a leased #1
t=10s  ack       a #1                            -> a succeeded
t=10s  lease     mail max=9 by w1                -> b leased #1
