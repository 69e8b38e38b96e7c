package unit

import (
	"log/slog"
	"sync"

	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/config"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/method"
	"github.com/custom-pod-autoscaler/autoscaler/v3/internal/stage"
)

// methods are the user's, each between its hooks; scale has hooks alone.
type methods struct {
	metric, evaluate, scale stage.Stage
	evaluator               method.Evaluator // in place of a method of the stage evaluate, or nil

	all []*method.Method
}

// close ends what methods keep from run to run, all at the same time.
func (m methods) close() {
	var closing sync.WaitGroup
	for _, method := range m.all {
		closing.Go(method.Close)
	}
	closing.Wait()
}

func newMethods(settings config.Config, log *slog.Logger, ran func(method.Run), secrets []string) (methods, error) {
	var m methods
	places := map[string]*method.Runner{
		"preMetric": &m.metric.Before, "metric": &m.metric.Main, "postMetric": &m.metric.After,
		"preEvaluate": &m.evaluate.Before, "evaluate": &m.evaluate.Main, "postEvaluate": &m.evaluate.After,
		"preScale": &m.scale.Before, "postScale": &m.scale.After,
	}
	for name, of := range settings.Methods() {
		opened, err := method.Open(of.With(name, log), ran, secrets...)
		if err != nil {
			return methods{}, err
		}
		if opened.Runner == nil { // of kinds that only evaluate can be of
			m.evaluator = opened.Evaluator
			continue
		}
		*places[name], m.all = opened.Runner, append(m.all, opened.Runner)
	}
	return m, nil
}
