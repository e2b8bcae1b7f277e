"""`headrace alert-relay`: hands Alertmanager's notifications to the chat robots that Alertmanager does not know.

It knows no server of Headrace and needs none: it is what says that the server is down.
"""
