// Signing in, as `runnel dev` has it for pages of its own: anybody is who they say
// they are. Deployed, this is your own session's endpoint.
export async function token(sub: string): Promise<{ token: string; control: string }> {
  const r = await fetch('/token', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ sub }) });
  const answer = await r.json();
  if (!r.ok) throw new Error(answer.detail ?? r.statusText);
  return answer;
}
