package main

import (
	"sync"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

var checks = sync.OnceValues(func() (policy.Evaluator, error) {
	return policy.NewEvaluator(policy.DefaultChecks(), nil)
})

// judgeSecurity asks what the label pod-security.kubernetes.io/enforce on the namespace would ask: in its newest form and
// as of the oldest Kubernetes that the charts support.
func judgeSecurity(pod pod, level api.Level, found *report) {
	evaluator, err := checks()
	if err != nil {
		found.add(pod.about, "%v", err)
		return
	}
	for _, version := range []api.Version{api.LatestVersion(), api.MajorMinorVersion(1, 29)} {
		asked := api.LevelVersion{Level: level, Version: version}
		verdict := policy.AggregateCheckResults(evaluator.EvaluatePod(asked, pod.meta, pod.spec))
		if !verdict.Allowed {
			found.add(pod.about, "pod security %s: %s", asked, verdict.ForbiddenDetail())
			return
		}
	}
}
