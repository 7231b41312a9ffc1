# SPDX-License-Identifier: Apache-2.0
"""A program with Qpid Proton against an AMQP server: prints a line for each outcome. Arguments: URL, queue."""

import sys

from proton import Message, int32, symbol
from proton.reactor import Copy, Selector
from proton.utils import BlockingConnection, LinkDetached

url, queue = sys.argv[1], sys.argv[2]
connection = BlockingConnection(url, timeout=10)
sender = connection.create_sender(queue)
for i in range(5):
    sender.send(Message(body=f"proton {i}", durable=True, priority=4, properties={"n": int32(i)}))
sender.send(Message(body={"map": [1, 2.5, "x"]}, durable=True, properties={"n": int32(5)}))

browser = connection.create_receiver(queue, credit=10, options=[Copy(), Selector("n > 3")])
print("browsed:", browser.receive(timeout=5).body, browser.receive(timeout=5).body)
browser.close()

receiver = connection.create_receiver(queue, credit=1)
for i in range(3):
    print("received:", receiver.receive(timeout=5).body)
    receiver.accept()
message = receiver.receive(timeout=5)
receiver.release(delivered=True)
receiver.close()
receiver = connection.create_receiver(queue, credit=1)
again = receiver.receive(timeout=5)
print("again:", again.body, again.delivery_count)
receiver.accept()
last = [receiver.receive(timeout=5).body]
receiver.accept()
last.append(receiver.receive(timeout=5).body)
receiver.reject()
print("last:", last)
receiver.close()
dead = connection.create_receiver("DLQ", credit=1, options=Selector("n = 5"))
print("dead:", dead.receive(timeout=5).body)
dead.accept()
dead.close()
try:
    connection.create_receiver(queue, options=Selector("n = = 1"))
    print("selector: taken")
except LinkDetached as error:
    print("selector: refused", "invalid-field" in str(error.condition))
connection.close()
