"""What a mail server says of a mail that it took and could not deliver, as Postfix words it."""


def delivery_report(back: str, to: str, status: str, action: str = "failed") -> bytes:
    """Return a report to a return address, on a mail to somebody."""
    text = f"""\
Return-Path: <>
Date: Fri, 27 Nov 2026 20:00:00 +0000
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {back}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F0C1.1795809600/mx.example.net"

This is a MIME-encapsulated message.

--4F0C1.1795809600/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4F0C1.1795809600/mx.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 4F0C1
Arrival-Date: Fri, 27 Nov 2026 19:59:58 +0000

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.net
Diagnostic-Code: smtp; 550 {status} unknown

--4F0C1.1795809600/mx.example.net
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: Usher <mail@tickets.example.org>
To: {to}
Subject: Your tickets

Here they are.

--4F0C1.1795809600/mx.example.net--
"""
    return text.replace("\n", "\r\n").encode()
