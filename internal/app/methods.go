package app

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
	for _, wanted := range []struct {
		name   string
		config *config.Method
		runner *method.Runner
	}{
		{"preMetric", settings.PreMetric, &m.metric.Before},
		{"metric", settings.Metric, &m.metric.Main},
		{"postMetric", settings.PostMetric, &m.metric.After},
		{"preEvaluate", settings.PreEvaluate, &m.evaluate.Before},
		{"evaluate", settings.Evaluate, &m.evaluate.Main},
		{"postEvaluate", settings.PostEvaluate, &m.evaluate.After},
		{"preScale", settings.PreScale, &m.scale.Before},
		{"postScale", settings.PostScale, &m.scale.After},
	} {
		if wanted.config == nil || wanted.config.Type == config.HPAMethod { // which is no user code: see proposer
			continue
		}
		runner, err := method.New(wanted.name, *wanted.config, log, ran, secrets...)
		if err != nil {
			return methods{}, err
		}
		*wanted.runner, m.all = runner, append(m.all, runner)
	}
	return m, nil
}
