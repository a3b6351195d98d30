package bench

import (
	"fmt"
	"html"
	"strings"
)

// The chart's measures, in pixels.
const (
	chartWidth  = 900
	chartHead   = 64
	chartLine   = 28
	chartBar    = 16
	chartLabels = 290
	// chartGoal is the position of the goal's line; a bar of twice the goal or more ends at the
	// right.
	chartGoal = chartLabels + 150
	chartEnd  = chartLabels + 300
)

// chartStyle has colours for light and dark pages, since an embedded picture does not inherit any.
const chartStyle = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #59636e }
.page { fill: #ffffff }
.good { fill: #1a7f37 }
.short { fill: #bc4c00 }
.goal { stroke: #1f2328; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .quiet { fill: #9198a1 } .page { fill: #0d1117 }
  .good { fill: #3fb950 } .short { fill: #f0883e } .goal { stroke: #f0f6fc }
}
</style>
`

// drawChart draws every figure that has a goal as a bar, relative to the goal, which is the line in the
// middle. The text has value and goal too, so that the meaning does not depend on colours.
func (r *partReport) drawChart() string {
	var figures []goalFigure
	for _, f := range r.allFigures() {
		if f.goal > 0 {
			figures = append(figures, f)
		}
	}
	height := chartHead + chartLine*len(figures) + 12
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n<title>Metadb's benchmark, measured against its goals</title>\n",
		chartWidth, height, chartWidth, height)
	svg.WriteString(chartStyle)
	fmt.Fprintf(&svg, `<rect class="page" width="%d" height="%d"/>`+"\n", chartWidth, height)
	fmt.Fprintf(&svg, `<text class="title" x="12" y="24">Measured against the goals</text>`+"\n")
	fmt.Fprintf(&svg, `<text class="quiet" x="12" y="44">Beyond the line: better than the goal.</text>`+"\n")
	fmt.Fprintf(&svg, `<text x="%d" y="44" text-anchor="middle">goal</text>`+"\n", chartGoal)
	for i, f := range figures {
		y := chartHead + chartLine*i
		class := "short"
		if f.goalScore() >= 1 {
			class = "good"
		}
		length := min(f.goalScore(), 2) / 2 * (chartEnd - chartLabels)
		fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", chartLabels-10, y+13, html.EscapeString(f.name))
		fmt.Fprintf(&svg, `<rect class="%s" x="%d" y="%d" width="%.0f" height="%d" rx="2"/>`+"\n", class, chartLabels, y, length, chartBar)
		fmt.Fprintf(&svg, `<text x="%d" y="%d">%s</text>`+"\n", chartEnd+10, y+13, html.EscapeString(f.valueText()+" ("+f.goalText()+")"))
	}
	fmt.Fprintf(&svg, `<line class="goal" x1="%d" x2="%d" y1="%d" y2="%d"/>`+"\n", chartGoal, chartGoal, chartHead-12, height-8)
	svg.WriteString("</svg>\n")
	return svg.String()
}
