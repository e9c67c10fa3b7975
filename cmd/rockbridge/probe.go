package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// probedByDefault is where a server with --http-port 8080 tells of its health.
const probedByDefault = "http://localhost:8080/healthz"

func newProbeCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "probe [URL]",
		Short: "Ask a server over HTTP whether it is well",
		Long: `Ask a server that runs with an http-port whether it is well, and exit with 0 if it
says so, else with 1 and its reason: for health checks of containers and clusters,
in images that have no other client of HTTP. Without URL it asks
` + probedByDefault + `; /readyz tells whether clients should come.`,
		Example: `  rockbridge probe
  rockbridge probe http://localhost:8080/readyz --timeout 1s`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return usagef("--timeout %v: more than 0", timeout)
			}
			url := append(args, probedByDefault)[0]
			if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
				return usagef("URL %q: neither http nor https", url)
			}
			return askHealth(cmd, url, timeout)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "how long the answer may take")
	return cmd
}

// reasonBytes are as many of an answer as are shown.
const reasonBytes = 1024

// askHealth wants an answer of 2xx. A proxy of the environment is not asked: it could not reach this machine.
func askHealth(cmd *cobra.Command, url string, timeout time.Duration) error {
	request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, url, nil)
	if err != nil {
		return usagef("URL %q: %v", url, err)
	}
	client := http.Client{Transport: &http.Transport{}, Timeout: timeout}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, reasonBytes))
	if err != nil {
		return err
	}
	said := strings.TrimSpace(string(text))
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s: %s", url, answer.Status, said)
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
	return err
}
