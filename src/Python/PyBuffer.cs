using System.Runtime.InteropServices;

namespace Python.Runtime;

/// <summary>The order of a contiguous array's elements.</summary>
public enum BufferOrderStyle
{
    /// <summary>Last dimension fastest.</summary>
    C,

    /// <summary>First dimension fastest.</summary>
    Fortran,

    /// <summary>One of the two.</summary>
    EitherOne,
}

/// <summary>What kind of memory is asked for; names and values of the C API.</summary>
public enum PyBUF
{
    /// <summary>Plain bytes.</summary>
    SIMPLE = 0,

    /// <summary>Memory that may be written.</summary>
    WRITABLE = 0x0001,

    /// <summary>With the format of an element.</summary>
    FORMATS = 0x0004,

    /// <summary>With the shape.</summary>
    ND = 0x0008,

    /// <summary>With shape and strides.</summary>
    STRIDES = 0x0010 | ND,

    /// <summary>Contiguous, last dimension fastest.</summary>
    C_CONTIGUOUS = 0x0020 | STRIDES,

    /// <summary>Contiguous, first dimension fastest.</summary>
    F_CONTIGUOUS = 0x0040 | STRIDES,

    /// <summary>Contiguous either way.</summary>
    ANY_CONTIGUOUS = 0x0080 | STRIDES,

    /// <summary>Any memory.</summary>
    INDIRECT = 0x0100 | STRIDES,

    /// <summary>Contiguous, writable, with shape.</summary>
    CONTIG = ND | WRITABLE,

    /// <summary>Contiguous, with shape.</summary>
    CONTIG_RO = ND,

    /// <summary>Strided, writable.</summary>
    STRIDED = STRIDES | WRITABLE,

    /// <summary>Strided.</summary>
    STRIDED_RO = STRIDES,

    /// <summary>Strided, writable, with format.</summary>
    RECORDS = STRIDES | WRITABLE | FORMATS,

    /// <summary>Strided, with format.</summary>
    RECORDS_RO = STRIDES | FORMATS,

    /// <summary>Any writable memory, with format.</summary>
    FULL = INDIRECT | WRITABLE | FORMATS,

    /// <summary>Any memory, with format. (pythonnet 3.0 and 3.1 crash on it: issue 2371.)</summary>
    FULL_RO = INDIRECT | FORMATS,
}

/// <summary>A view of an object's memory. It keeps the object alive; the pointer may be used without the GIL, Dispose may not.</summary>
public sealed unsafe class PyBuffer : IDisposable
{
    // Py_buffer of CPython's object.h, unchanged since 3.0. It lies in native memory since exporters may keep its address.
    [StructLayout(LayoutKind.Sequential)]
    private struct View
    {
        public void* Buf;
        public IntPtr Obj;
        public nint Len, ItemSize;
        public int ReadOnly, Dimensions;
        public byte* Format;
        public nint* Shape, Strides, SubOffsets;
        public void* Internal;
    }

    private View* _view;

    internal PyBuffer(PyObject exporter, PyBUF flags)
    {
        _view = (View*)NativeMemory.AllocZeroed((nuint)sizeof(View));
        if (Runtime.PyObject_GetBuffer(exporter.Pointer, _view, (int)flags) < 0)
        {
            NativeMemory.Free(_view);
            _view = null;
            GC.SuppressFinalize(this);
            throw PythonException.FetchCurrent();
        }
        Object = exporter;
        Shape = Longs(_view->Shape);
        Strides = Longs(_view->Strides);
        SubOffsets = Longs(_view->SubOffsets);
    }

    /// <summary>Whose memory it is.</summary>
    public PyObject Object { get; }

    /// <summary>In bytes.</summary>
    public long Length => Live->Len;

    /// <summary>Bytes per element.</summary>
    public long ItemSize => Live->ItemSize;

    /// <summary>How many.</summary>
    public int Dimensions => Live->Dimensions;

    /// <summary>Whether writing is forbidden.</summary>
    public bool ReadOnly => Live->ReadOnly != 0;

    /// <summary>The first byte.</summary>
    public IntPtr Buffer => (IntPtr)Live->Buf;

    /// <summary>An element's type in the struct module's letters, if asked for.</summary>
    public string? Format => Marshal.PtrToStringUTF8((IntPtr)Live->Format);

    /// <summary>The size of each dimension, if asked for.</summary>
    public long[]? Shape { get; }

    /// <summary>Bytes between neighbours in each dimension, if asked for.</summary>
    public long[]? Strides { get; }

    /// <summary>The C API's suboffsets, if any.</summary>
    public long[]? SubOffsets { get; }

    /// <summary>Whether it is contiguous in this order.</summary>
    public bool IsContiguous(BufferOrderStyle order) =>
        Runtime.PyBuffer_IsContiguous(Live, (byte)(order switch { BufferOrderStyle.C => 'C', BufferOrderStyle.Fortran => 'F', _ => 'A' })) != 0;

    /// <summary>Copies bytes out of a one-dimensional buffer.</summary>
    public void Read(byte[] buffer, int destinationOffset, int count, nint sourceOffset)
    {
        Require(buffer, destinationOffset, count, sourceOffset);
        new ReadOnlySpan<byte>((byte*)Live->Buf + sourceOffset, count).CopyTo(buffer.AsSpan(destinationOffset));
    }

    /// <summary>Copies bytes into a one-dimensional buffer.</summary>
    public void Write(byte[] buffer, int sourceOffset, int count, nint destinationOffset)
    {
        if (ReadOnly) throw new InvalidOperationException("Buffer is read-only");
        Require(buffer, sourceOffset, count, destinationOffset);
        buffer.AsSpan(sourceOffset, count).CopyTo(new Span<byte>((byte*)Live->Buf + destinationOffset, count));
    }

    private void Require(byte[] managed, int managedOffset, int count, nint offset)
    {
        if (Dimensions != 1) throw new NotImplementedException("Multidimensional arrays, scalars and objects without a buffer are not supported.");
        if (!IsContiguous(BufferOrderStyle.C)) throw new NotImplementedException("Only continuous buffers are supported");
        ArgumentOutOfRangeException.ThrowIfNegative(managedOffset);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(checked(count + managedOffset), managed.Length, nameof(count));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(checked(count + offset), Live->Len, nameof(count));
    }

    private View* Live => _view != null ? _view : throw new ObjectDisposedException(nameof(PyBuffer));

    private long[]? Longs(nint* values)
    {
        if (values == null) return null;
        var result = new long[_view->Dimensions];
        for (int i = 0; i < result.Length; i++) result[i] = values[i];
        return result;
    }

    /// <summary>Releases the view.</summary>
    public void Dispose()
    {
        if (_view == null) return;
        Runtime.PyBuffer_Release(_view);
        NativeMemory.Free(_view);
        _view = null;
    }
}
