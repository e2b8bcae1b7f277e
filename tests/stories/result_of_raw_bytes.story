# A result may be bytes of any media type.
t=0  enqueue  a queue=mail                        -> a ready
t=0  lease    mail by w1                          -> a leased #1
t=0  ack      a #1 result=picture media=image/png -> a succeeded (result picture, media image/png)
