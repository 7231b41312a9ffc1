// SPDX-License-Identifier: Apache-2.0

// A program with Azure/go-amqp against an AMQP server: prints a line for each outcome.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	amqp "github.com/Azure/go-amqp"
)

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	queue := os.Args[2]
	conn, err := amqp.Dial(ctx, os.Args[1], &amqp.ConnOptions{SASLType: amqp.SASLTypeAnonymous()})
	must(err)
	session, err := conn.NewSession(ctx, nil)
	must(err)
	sender, err := session.NewSender(ctx, queue, nil)
	must(err)
	for i := 0; i < 5; i++ {
		message := amqp.NewMessage([]byte(fmt.Sprintf("go %d", i)))
		message.ApplicationProperties = map[string]any{"n": int32(i)}
		must(sender.Send(ctx, message, nil))
	}
	large := make([]byte, 300000)
	must(sender.Send(ctx, amqp.NewMessage(large), nil))
	receiver, err := session.NewReceiver(ctx, queue, &amqp.ReceiverOptions{Credit: 10})
	must(err)
	for i := 0; i < 6; i++ {
		message, err := receiver.Receive(ctx, nil)
		must(err)
		switch i {
		case 1:
			must(receiver.ReleaseMessage(ctx, message))
			again, err := receiver.Receive(ctx, nil)
			must(err)
			fmt.Println("after release:", len(again.GetData()) > 0)
			must(receiver.AcceptMessage(ctx, again))
		default:
			if len(message.GetData()) < 100 {
				fmt.Println("received:", string(message.GetData()), message.ApplicationProperties["n"])
			} else {
				fmt.Println("received:", len(message.GetData()), "bytes")
			}
			must(receiver.AcceptMessage(ctx, message))
		}
	}
	must(conn.Close())
	fmt.Println("done")
}
