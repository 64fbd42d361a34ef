using System.Runtime.InteropServices;
using Xunit;
using static TorchSharp.torch;

namespace RlLeap.Tests.Core.Torch;

public class TorchErrorsTests
{
    [Fact]
    public void A_summary_leaves_out_the_native_frames()
    {
        var error = Assert.Throws<ExternalException>(() => ones(2, 3).mm(ones(2, 3)));
        Assert.Contains("frame #0", error.Message);
        Assert.Equal("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", error.Summary());
        Assert.Equal("two\nlines", new InvalidOperationException("two\nlines").Summary());
    }
}
