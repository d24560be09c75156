/** Draws the last `most` values into a polyline of 300 by 100, at most once a frame. */
export function chart(line: Element, most: number): (value: number) => void {
  const values: number[] = [];
  let due = false;
  const draw = (): void => {
    due = false;
    const low = Math.min(...values);
    const span = Math.max(...values) - low || 1;
    const at = (v: number, i: number): string => `${((i * 300) / (most - 1)).toFixed(1)},${(95 - ((v - low) / span) * 90).toFixed(1)}`;
    line.setAttribute('points', values.map(at).join(' '));
  };
  return (value) => {
    if (values.push(value) > most) values.shift();
    if (!due) requestAnimationFrame(draw);
    due = true;
  };
}
