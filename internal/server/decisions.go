package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/custom-pod-autoscaler/autoscaler/v3/userlogic"
)

// decisions is GET /api/v1/decisions: the last passes, newest first.
func (s *Server) decisions(w http.ResponseWriter, r *http.Request) error {
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	most, err := query.positive("limit", s.MaxDecisions)
	if err != nil {
		return err
	}
	return s.tell(w, query, most, func(decisions []userlogic.Decision) (any, error) { return decisions, nil })
}

// latestDecision is GET /api/v1/decisions/latest: the last pass.
func (s *Server) latestDecision(w http.ResponseWriter, r *http.Request) error {
	query, err := queryOf(r)
	if err != nil {
		return err
	}
	return s.tell(w, query, 1, func(decisions []userlogic.Decision) (any, error) {
		if len(decisions) == 0 {
			return nil, refusal{http.StatusNotFound, "No pass has ended yet"}
		}
		return decisions[0], nil
	})
}

// tell answers with what is made of the last passes, or with a sentence about each.
func (s *Server) tell(w http.ResponseWriter, query query, most int, document func([]userlogic.Decision) (any, error)) error {
	runType, err := query.oneOf("run_type", "", string(userlogic.Scaler), string(userlogic.API), string(userlogic.APIDryRun))
	if err != nil {
		return err
	}
	format, err := query.oneOf("format", "json", "json", "text")
	if err != nil {
		return err
	}
	decisions := s.Record.Decisions(userlogic.RunType(runType), most)
	answer, err := document(decisions)
	if err != nil {
		return err
	}
	if format == "json" {
		return send(w, http.StatusOK, answer)
	}
	var text strings.Builder
	for _, decision := range decisions {
		text.WriteString(decision.Sentence(time.Now()) + "\n")
	}
	write(w, http.StatusOK, "text/plain; charset=utf-8", []byte(text.String()))
	return nil
}
