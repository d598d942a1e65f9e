// Adds the prices of all lines of a cart up. A line is a pair: price in cents, number.
function addPricesOfAllLinesUp(linesOfTheCart) {
  let sumOfAllPrices = 0;
  for (let placeOfTheLine = 0; placeOfTheLine < linesOfTheCart.length; placeOfTheLine = placeOfTheLine + 1) {
    const currentLine = linesOfTheCart[placeOfTheLine];
    sumOfAllPrices = sumOfAllPrices + currentLine[0] * currentLine[1];
  }
  return sumOfAllPrices;
}

// Was used by the old receipt, before the summer.
function oldReceiptThatNobodyUses(linesOfTheCart) {
  let textOfTheReceipt = "";
  for (let placeOfTheLine = 0; placeOfTheLine < linesOfTheCart.length; placeOfTheLine = placeOfTheLine + 1) {
    textOfTheReceipt = textOfTheReceipt + "Line number " + placeOfTheLine + "\n";
  }
  return textOfTheReceipt;
}
