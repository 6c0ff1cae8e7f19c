/** Text of an event stream in any pieces → the data of each block, the way one writes it by hand when `\n` is all there is. */
export function sseSplit(onData: (data: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    rest += text;
    let from = 0;
    for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n', from)) {
      if (rest.startsWith('data: ', from)) onData(rest.slice(from + 6, end));
      from = end + 2;
    }
    rest = rest.slice(from);
  };
}
