package views

import "github.com/metrana/metrana/go/point"

// labelsOf gives the labels of a series as messages have them: nil when there are none.
func labelsOf(key point.Series) map[string]string {
	if len(key.Labels) == 0 {
		return nil
	}
	labels := make(map[string]string, len(key.Labels))
	for _, label := range key.Labels {
		labels[label.Key] = label.Value
	}
	return labels
}
