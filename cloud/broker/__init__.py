"""Messages by way of RabbitMQ: out of the outbox with confirms, in to each consumer once.

`Relay` publishes what the outbox holds, `Consuming` runs consumers on what comes, and `Burying`
takes what nobody could handle back into the database. Without `broker_url` none of them runs,
and cloud/messages dispatches in process. Their order:

- topology.py: exchanges, queues, and what a service must be permitted
- envelope.py, gathering.py: a message as bytes and headers; what is written to the socket at once
- relay.py, waves.py, pending.py: outbox to broker, in order within a key
- consuming.py, handling.py, lanes.py, turns.py: broker to consumer, in order within a key
- burying.py: dead letters
"""
