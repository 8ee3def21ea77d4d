"""Messages: told once to each consumer that subscribes to their topic, each with one effect.

`TenantTx.publish` commits a message to the outbox with what it tells of. From there it is
relayed to the inbox of each consumer, in process or by way of a broker (cloud/broker), and
handled in a transaction that also marks it done: what comes twice has one effect. Their order:

- consumer.py: a message, a handler, a consumer
- inbox.py, arrivals.py: what a consumer has before it, and the transaction of one effect
- turning.py: in process, the parts of a worker that relay and handle
- dead.py, routes.py, shapes.py: messages that were given up, and what a person does with them
- events.py, asyncapi.py: their schemas (cloud/topics), told to others
"""
