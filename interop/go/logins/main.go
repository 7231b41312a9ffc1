// SPDX-License-Identifier: Apache-2.0

// franz-go: reads login cases as a JSON array from stdin and prints a line for each: name, outcome and details,
// separated by tabs. An outcome is "accepted" with the topics that the client sees, or an error.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type login struct {
	Name, Address, Protocol, Mechanism, Username, Password, TokenURL, Topic string
	IsToken                                                                 bool
	CA, Certificate, Key                                                    string
	HoldMs                                                                  int
}

func fetchToken(url string) (oauth.Auth, error) {
	response, err := http.Get(url)
	if err != nil {
		return oauth.Auth{}, err
	}
	defer response.Body.Close()
	var found struct{ Token string }
	err = json.NewDecoder(response.Body).Decode(&found)
	return oauth.Auth{Token: found.Token}, err
}

func mechanismOf(l login) sasl.Mechanism {
	switch l.Mechanism {
	case "PLAIN":
		return plain.Auth{User: l.Username, Pass: l.Password}.AsMechanism()
	case "OAUTHBEARER":
		return oauth.Oauth(func(context.Context) (oauth.Auth, error) { return fetchToken(l.TokenURL) })
	case "SCRAM-SHA-256":
		return scram.Auth{User: l.Username, Pass: l.Password, IsToken: l.IsToken}.AsSha256Mechanism()
	default:
		return scram.Auth{User: l.Username, Pass: l.Password, IsToken: l.IsToken}.AsSha512Mechanism()
	}
}

func optionsOf(l login) ([]kgo.Opt, error) {
	options := []kgo.Opt{kgo.SeedBrokers(l.Address), kgo.ProducerLinger(0), kgo.RequestRetries(2),
		kgo.RecordRetries(2), kgo.RetryTimeout(5 * time.Second), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MetadataMinAge(100 * time.Millisecond)}
	if strings.HasSuffix(l.Protocol, "SSL") {
		pem, err := os.ReadFile(l.CA)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		config := &tls.Config{RootCAs: roots}
		if l.Certificate != "" {
			pair, err := tls.LoadX509KeyPair(l.Certificate, l.Key)
			if err != nil {
				return nil, err
			}
			config.Certificates = []tls.Certificate{pair}
		}
		options = append(options, kgo.DialTLSConfig(config))
	}
	if l.Mechanism != "" {
		options = append(options, kgo.SASL(mechanismOf(l)))
	}
	return options, nil
}

func use(l login) (string, error) {
	options, err := optionsOf(l)
	if err != nil {
		return "", err
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(6000+l.HoldMs*2)*time.Millisecond)
	defer cancel()
	topics, err := kadm.NewClient(client).ListTopics(ctx)
	if err != nil {
		return "", err
	}
	value := "franz-go " + l.Name
	for end := time.Now().Add(time.Duration(l.HoldMs) * time.Millisecond); ; time.Sleep(100 * time.Millisecond) {
		record := &kgo.Record{Topic: l.Topic, Value: []byte(value)}
		if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
			return "", err
		}
		if err := consume(ctx, client, record); err != nil {
			return "", err
		}
		if !time.Now().Before(end) {
			break
		}
	}
	return "accepted " + strings.Join(topics.Names(), " "), nil
}

func consume(ctx context.Context, client *kgo.Client, sent *kgo.Record) error {
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{sent.Topic: {0: kgo.NewOffset().At(sent.Offset)}})
	defer client.RemoveConsumePartitions(map[string][]int32{sent.Topic: {0}})
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		isFound := false
		fetches.EachRecord(func(record *kgo.Record) {
			isFound = isFound || string(record.Value) == string(sent.Value)
		})
		if isFound {
			return nil
		}
	}
}

// outcomeOf names the kind of an error.
func outcomeOf(err error) string {
	var kafka *kerr.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &kafka):
		return kafka.Message
	case errors.As(err, &certificate):
		return "certificate"
	case errors.As(err, &record):
		return "not TLS"
	case errors.As(err, &alert):
		return "TLS alert"
	case strings.Contains(err.Error(), "remote error: tls"):
		return "TLS alert"
	case strings.Contains(err.Error(), "tls alert record"):
		return "TLS alert without TLS"
	case strings.Contains(err.Error(), "unexpected data in oauth response"):
		return "SASL_AUTHENTICATION_FAILED"
	case errors.Is(err, io.EOF):
		return "closed"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	default:
		return fmt.Sprintf("%T", err)
	}
}

func main() {
	var logins []login
	if err := json.NewDecoder(os.Stdin).Decode(&logins); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var waiting sync.WaitGroup
	slots := make(chan struct{}, 16)
	for _, each := range logins {
		waiting.Add(1)
		slots <- struct{}{}
		go func() {
			defer waiting.Done()
			outcome, err := use(each)
			details := ""
			if err != nil {
				outcome, details = outcomeOf(err), strings.Join(strings.Fields(err.Error()), " ")
			}
			fmt.Printf("%s\t%s\t%s\n", each.Name, outcome, details)
			<-slots
		}()
	}
	waiting.Wait()
}
